-- Changes fields of a project, keys or budgets, all or none, if they are what the caller read. Repeating it changes nothing.
-- KEYS the project. ARGV for each field: its name, what was read (of a key the limits), the tag of a key's rights, empty
-- for a budget, and what is to be; empty for nothing. Replies: 1 done, 0 somebody else changed one meanwhile.
local fields, sets, drops, is_done = {}, {}, {}, true
for i = 1, #ARGV, 4 do fields[#fields + 1] = ARGV[i] end
local stored = redis.call('HMGET', KEYS[1], unpack(fields))
for n = 1, #fields do
  local after = ARGV[4 * n]
  if (stored[n] or '') ~= after then is_done = false end
  if after == '' then
    drops[#drops + 1] = fields[n]
  else
    sets[#sets + 1] = fields[n]
    sets[#sets + 1] = after
  end
end
if is_done then return 1 end
for n = 1, #fields do
  local text, tag = stored[n] or '', ''
  local limits, rights = string.match(text, '^([^|]*)|(.*)$')
  if rights then text, tag = limits, redis.sha1hex(rights) end
  if (text ~= ';;;' and text or '') ~= ARGV[4 * n - 2] or tag ~= ARGV[4 * n - 1] then return 0 end
end
if sets[1] then redis.call('HSET', KEYS[1], unpack(sets)) end
if drops[1] then redis.call('HDEL', KEYS[1], unpack(drops)) end
return 1
