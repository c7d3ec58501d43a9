-- clear-task.lua  Begins to clear a task: fences the owner, forgets the positions, notes that state keys are still to be deleted.
-- KEYS[1] the task's hash
-- ARGV: a random number below 2^16
-- returns the new epoch (see open-task.lua), which is the right to delete
local time = redis.call('TIME')
local least = math.max(tonumber(redis.call('HGET', KEYS[1], 'epoch') or '0'), time[1] * 1000000 + time[2])
local epoch = string.format('%.0f', least + 1 + ARGV[1])
redis.call('HDEL', KEYS[1], 'positions')
redis.call('HSET', KEYS[1], 'epoch', epoch, 'clearing', '1')
return epoch
