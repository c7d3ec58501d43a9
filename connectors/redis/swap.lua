-- swap.lua  Replaces lists by newer ones, each together with its companions.
-- KEYS: for each list its key, then its companions' keys; all of one slot
-- ARGV: for each list: epoch, position, ttl in seconds (0 = none), number of companions, value, then one value per companion
-- returns one number per list: 1 written | 0 the stored version is the same or higher
local function put(key, value, ttl)
  if ttl == '0' then redis.call('SET', key, value) else redis.call('SET', key, value, 'EX', ttl) end
end
local written = {}
local k, a = 1, 1
while k <= #KEYS do
  local epoch, position, ttl, companions = tonumber(ARGV[a]), tonumber(ARGV[a + 1]), ARGV[a + 2], tonumber(ARGV[a + 3])
  -- The version stands at the beginning of the text, so that it is read without parsing and without fetching the list.
  local head = redis.call('GETRANGE', KEYS[k], 0, 63)
  local oldEpoch, oldPosition = string.match(head, '^{"version":%[(%d+),(%d+)%]')
  oldEpoch, oldPosition = tonumber(oldEpoch), tonumber(oldPosition)
  local newer = not oldEpoch or epoch > oldEpoch or (epoch == oldEpoch and position > oldPosition)
  if newer then
    for i = 0, companions do put(KEYS[k + i], ARGV[a + 4 + i], ttl) end
  end
  written[#written + 1] = newer and 1 or 0
  k = k + 1 + companions
  a = a + 5 + companions
end
return written
