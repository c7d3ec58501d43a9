-- read-state.lua  Reads state keys of a task together with whose they are: one moment for both.
-- KEYS[1] the task's hash, KEYS[2..] state keys of the same slot
-- ARGV: none
-- returns {epoch, positions, value...}: '' for an epoch where the task never ran and for positions where nothing was applied, nil for
-- an absent value
local now = redis.call('HMGET', KEYS[1], 'epoch', 'positions')
local found = {now[1] or '', now[2] or ''}
-- A call takes no more than some thousand arguments.
for from = 2, #KEYS, 1000 do
  local values = redis.call('MGET', unpack(KEYS, from, math.min(#KEYS, from + 999)))
  for i = 1, #values do found[#found + 1] = values[i] end
end
return found
