-- clear-task.lua  Begins to clear a task: fences the owner, forgets the positions, notes that state keys are still to be deleted.
-- KEYS[1] the task's hash
-- ARGV: none
-- returns the new epoch, which is the right to delete
local epoch = redis.call('HINCRBY', KEYS[1], 'epoch', 1)
redis.call('HDEL', KEYS[1], 'positions')
redis.call('HSET', KEYS[1], 'clearing', '1')
return epoch
