-- delete-state.lua  Deletes state keys of a task that is being cleared, unless a newer owner has taken over.
-- KEYS[1] the task's hash, KEYS[2..] state keys of the same slot
-- ARGV: the epoch that began to clear, '1' if these are the last keys
-- returns 1 done | 0 a newer owner exists, who finishes the clearing
if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[1] then return 0 end
for i = 2, #KEYS do redis.call('UNLINK', KEYS[i]) end
if ARGV[2] == '1' then redis.call('HDEL', KEYS[1], 'clearing') end
return 1
