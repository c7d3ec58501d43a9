-- open-task.lua  Takes ownership of a task.
-- KEYS[1] the task's hash
-- ARGV: none
-- returns {epoch, positions, clearing}: the new epoch, '' where nothing was applied, '1' if a clear was cut short and is to be finished
local epoch = redis.call('HINCRBY', KEYS[1], 'epoch', 1)
local now = redis.call('HMGET', KEYS[1], 'positions', 'clearing')
return {epoch, now[1] or '', now[2] or ''}
