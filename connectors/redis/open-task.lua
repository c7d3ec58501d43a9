-- open-task.lua  Takes ownership of a task.
-- KEYS[1] the task's hash
-- ARGV: a random number below 2^16, a number that the epoch must exceed, the epoch held until now ('' if none: then nobody is asked)
-- returns {epoch, positions, clearing}: the new epoch, '' where nothing was applied, '1' if a clear was cut short and is to be finished
-- | {} a newer epoch than the one held is stored
-- A server that took over with older data knows an older epoch: its clock is what keeps it from giving an epoch twice.
local now = redis.call('HMGET', KEYS[1], 'epoch', 'positions', 'clearing')
local stored = tonumber(now[1] or '0')
if ARGV[3] ~= '' and stored > tonumber(ARGV[3]) then return {} end
local time = redis.call('TIME')
local least = math.max(stored, tonumber(ARGV[2]), tonumber(ARGV[3]) or 0, time[1] * 1000000 + time[2])
local epoch = string.format('%.0f', least + 1 + ARGV[1])
redis.call('HSET', KEYS[1], 'epoch', epoch)
return {epoch, now[2] or '', now[3] or ''}
