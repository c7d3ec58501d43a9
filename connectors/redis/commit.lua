-- commit.lua  Applies one batch to one task, all or nothing.
-- KEYS[1] the task's hash (epoch, positions), KEYS[2..] state keys of the same slot
-- ARGV: epoch, expected positions, new positions, ttl in seconds (0 = none), then one value per state key ('' deletes it)
-- returns {1} applied | {0, 'fenced'} another epoch is stored | {0, 'moved', positions} applied already, or not ours
-- The epoch must be the stored one, not only no older: after a failover that lost writes a replaced owner may have a higher one.
local now = redis.call('HMGET', KEYS[1], 'epoch', 'positions')
if now[1] and now[1] ~= ARGV[1] then return {0, 'fenced'} end
if (now[2] or '') ~= ARGV[2] then return {0, 'moved', now[2] or ''} end
local expires = ARGV[4] ~= '0'
for i = 2, #KEYS do
  local value = ARGV[i + 3]
  if value == '' then redis.call('DEL', KEYS[i])
  elseif expires then redis.call('SET', KEYS[i], value, 'EX', ARGV[4])
  else redis.call('SET', KEYS[i], value) end
end
redis.call('HSET', KEYS[1], 'epoch', ARGV[1], 'positions', ARGV[3])
return {1}
