-- amend.lua  Edits lists and their reserves where they lie, as schemas/amended-texts.ts says; version and expiry stay. Lua hashes every
--            byte of every string it makes: so only the bytes around an item are fetched, and a whole text only where one comes in.
-- KEYS: for each list its key, then its reserve's if an item comes in; all of one slot
-- ARGV: for each list: what its text begins with (its version), effects as text, numbers of items removed and placed; then of each removed
--       mark, share of the text (0-1), offset and number of its bytes with the comma before them (0 = not known); then mark and mark of
--       the one behind ('' = at the end) of each placed
-- returns one number per list: 1 this version is stored, and amended now | 0 nothing is stored, or another version
local find, sub, call = string.find, string.sub, redis.call
local WINDOW = 1024

-- Where an item lies in the text of a key: the bytes fetched, the offset of the first of them, the places of the item's first byte and of
-- the first behind it in them, and whether another item follows.
local function locate(key, mark, near)
  local size = call('STRLEN', key)
  if size == 0 then return nil end
  local offset = math.max(0, math.min(math.floor(near * size) - WINDOW / 2, size - WINDOW))
  local part = call('GETRANGE', key, offset, offset + WINDOW - 1)
  local at = find(part, mark, 2, true)
  local next = at and find(part, ',{"itemId":', at + 1, true)
  if not next and not (at and offset + WINDOW >= size) then
    offset, part = 0, call('GET', key)
    at = find(part, mark, 2, true)
    next = at and find(part, ',{"itemId":', at + 1, true)
  end
  if next or (at and sub(part, -2) == ']}') then return part, offset, at, next or #part - 1, next ~= nil end
end

-- Makes a gap of an item in the text of a key; answers the bytes around it, and the item's first and the first behind it in them.
local function clear(key, mark, near)
  local part, offset, at, to, follows = locate(key, mark, near)
  if not part then return nil end
  local first, last = at, follows and to + 1 or to
  if sub(part, at - 1, at - 1) == ',' then first, last = at - 1, to end
  call('SETRANGE', key, offset + first - 1, string.rep(' ', last - first))
  return part, at, to
end

-- The same where an item is said to lie; answers false where another text is.
local function blank(key, mark, from, count)
  if count == '0' or call('GETRANGE', key, from, from + #mark) ~= ',' .. mark then return false end
  call('SETRANGE', key, from, string.rep(' ', count))
  return true
end

-- Makes a gap of an item, and answers it.
local function take(key, mark, near)
  local part, at, to = clear(key, mark, near)
  return part and string.match(sub(part, at, to - 1), '^(.-) *$')
end

-- What stands between the items of a text, which ends before its last two brackets, and one more.
local function comma(text)
  local last = #text
  while sub(text, last, last) == ' ' do last = last - 1 end
  return sub(text, last, last) == '[' and '' or ','
end

-- Sets items into the text of a key, each before the one that begins with its mark or at the end, and tells effects. The text is fetched
-- once, behind the beginning of its rules, and joined once to what comes in before it and at its end.
local function rewrite(key, effects, items, marks)
  if call('GETRANGE', key, -2, -1) ~= ']}' then return end
  local front = call('GETRANGE', key, 0, WINDOW - 1)
  local _, at = find(front, '"rules":[', 1, true)
  front = sub(front, 1, at or 0)
  local text, tail = call('GETRANGE', key, #front, -3), ''
  if not at or find(text, effects, 1, true) then effects = '' end
  if effects ~= '' and sub(text, 1, 1) ~= ']' then effects = effects .. ',' end
  for i, item in ipairs(items) do
    local before = marks[i] ~= '' and find(text .. tail, marks[i], 1, true)
    if before then
      text, tail = text .. tail, ''
      text = sub(text, 1, before - 1) .. item .. ',' .. sub(text, before)
    else
      tail = tail .. (tail == '' and comma(text) or ',') .. item
    end
  end
  if #items > 0 or effects ~= '' then call('SET', key, front .. effects .. text .. tail .. ']}', 'KEEPTTL') end
end

local answers = {}
local a, k = 1, 1
while k <= #KEYS do
  local list, reserve = KEYS[k], KEYS[k + 1]
  local head, effects, removed, placed = ARGV[a], ARGV[a + 1], 4 * ARGV[a + 2], 2 * ARGV[a + 3]
  a = a + 4
  local known = call('GETRANGE', list, 0, #head - 1) == head
  if known then
    for i = a, a + removed - 1, 4 do
      if not blank(list, ARGV[i], ARGV[i + 2], ARGV[i + 3]) then clear(list, ARGV[i], tonumber(ARGV[i + 1])) end
    end
    local items, marks = {}, {}
    for i = a + removed, a + removed + placed - 1, 2 do
      local item = take(reserve, ARGV[i], 0) or take(list, ARGV[i], 1)
      if item then items[#items + 1], marks[#marks + 1] = item, ARGV[i + 1] end
    end
    if #items > 0 or effects ~= '' then rewrite(list, effects, items, marks) end
  end
  answers[#answers + 1] = known and 1 or 0
  a = a + removed + placed
  k = k + (placed > 0 and 2 or 1)
end
return answers
