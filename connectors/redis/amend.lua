-- amend.lua  Edits lists and their reserves where they lie, as schemas/amended-texts.ts says; version and expiry stay.
-- KEYS: for each list its key, then its reserve's; all of one slot
-- ARGV: for each list: what its text begins with (its version), effects as text, numbers of items removed and placed, the marks of the
--       removed, then mark and mark of the one behind ('' = at the end) of each placed
-- returns one number per list: 1 this version is stored, and amended now | 0 nothing is stored, or another version
local find, sub = string.find, string.sub

-- The text without the item that begins with a mark, and that item.
local function cut(text, mark)
  local from = sub(text, -2) == ']}' and find(text, mark, 1, true)
  if not from then return text, nil end
  local next = find(text, ',{"itemId":', from + 1, true)
  if next then return sub(text, 1, from - 1) .. sub(text, next + 1), sub(text, from, next - 1) end
  local last = sub(text, from - 1, from - 1) == ',' and from - 2 or from - 1
  return sub(text, 1, last) .. ']}', sub(text, from, -3)
end

-- The text with an item before the one that begins with a mark; at the end if there is none.
local function put(text, item, mark)
  local at = mark ~= '' and find(text, mark, 1, true)
  if at then return sub(text, 1, at - 1) .. item .. ',' .. sub(text, at) end
  return sub(text, 1, -3) .. (sub(text, -3, -3) == '[' and '' or ',') .. item .. ']}'
end

local function tell(text, effects)
  local _, at = find(text, '"rules":[', 1, true)
  if not at or effects == '' then return text end
  return sub(text, 1, at) .. effects .. (sub(text, at + 1, at + 1) == ']' and '' or ',') .. sub(text, at + 1)
end

local answers = {}
local a = 1
for k = 1, #KEYS, 2 do
  local head, effects, removed, placed = ARGV[a], ARGV[a + 1], tonumber(ARGV[a + 2]), tonumber(ARGV[a + 3])
  a = a + 4
  local before = redis.call('GET', KEYS[k])
  local spares = redis.call('GET', KEYS[k + 1]) or ''
  local known = before and sub(before, 1, #head) == head
  if known and sub(before, -2) == ']}' then
    local list, reserve = before, spares
    for i = a, a + removed - 1 do list = cut(list, ARGV[i]) end
    local hasLost = list ~= before
    for i = a + removed, a + removed + 2 * placed - 1, 2 do
      local text, item = cut(list, ARGV[i])
      if not item then reserve, item = cut(reserve, ARGV[i]) end
      if item then list = put(text, item, ARGV[i + 1]) end
    end
    if hasLost then list = tell(list, effects) end
    if list ~= before then redis.call('SET', KEYS[k], list, 'KEEPTTL') end
    if reserve ~= spares then redis.call('SET', KEYS[k + 1], reserve, 'KEEPTTL') end
  end
  a = a + removed + 2 * placed
  answers[#answers + 1] = known and 1 or 0
end
return answers
