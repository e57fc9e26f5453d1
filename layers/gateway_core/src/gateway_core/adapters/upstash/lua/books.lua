-- The usage record and its counters, which are fields of the budget's hash: they cost no command of their own.
-- Model: gateway_core/store/counters.py.

local RECORDS, PROJECTS = KEYS[5], KEYS[6]
local RECORDS_TTL_S = 31 * 86400

-- `late` says that the record's hour is not the present one. The fields are those that all dimensions count in, one
-- after the other: the first two count all, a day and an hour of it. What else there is to know of the dimensions is
-- in one text, as it is needed only where a field is new: a line each, with spaces in between, "number of fields" and,
-- where names are listed, "index kind name rest_name most", and the fields of the rest.
local entry = {project = ARGV[at + 1], record = ARGV[at + 2], late = ARGV[at + 3] == '1', counts = ARGV[at + 4],
               dimensions = ARGV[at + 5], first = at + 7, last = at + 6 + tonumber(ARGV[at + 6])}
at = entry.last

local function want_counters() want(BUDGET, unpack(ARGV, entry.first, entry.last)) end

-- Gives what adds the counts to a vector "a,b,c", of which zeros at the end may be missing; a missing vector is all
-- zeros. What is not added to is kept as it stands: zeros side by side are one piece of the pattern.
local function summing()
  local added, number, pattern, form, in_zeros = {}, 0, '', '', false
  for delta in string.gmatch(entry.counts, '-?%d+') do
    local is_zero = delta == '0'
    if is_zero and in_zeros then
      pattern = pattern .. ',%-?%d+'
    else
      number = number + 1
      pattern = pattern .. (number > 1 and (in_zeros and '),(%-?%d+' or ',(%-?%d+') or '(%-?%d+')
      form = form .. (is_zero and ',%s' or ',%.0f')
      if not is_zero then
        added[number], pattern = tonumber(delta), pattern .. ')'
      end
    end
    in_zeros = is_zero
  end
  local whole = '^' .. pattern .. (in_zeros and ')(.*)$' or '(.*)$')
  form = string.sub(form, 2) .. '%s'

  local function number_by_number(old)
    local parts, more = {}, string.gmatch(old, '-?%d+')
    for delta in string.gmatch(entry.counts, '-?%d+') do
      local was = more()
      parts[#parts + 1] = show((was or 0) + delta)
    end
    for rest in more do parts[#parts + 1] = rest end
    return table.concat(parts, ',')
  end

  -- By what they were: a name that is alone in its kind counts what all count.
  local known = {}

  return function(old)
    if not old then return entry.counts end
    local new = known[old]
    if new then return new end
    local found = {string.match(old, whole)}
    for k, delta in pairs(found[1] and added or {}) do found[k] = found[k] + delta end
    new = found[1] and string.format(form, unpack(found)) or number_by_number(old)
    known[old] = new
    return new
  end
end

local folded = {}

-- Where each dimension counts: a new name goes into its list, or is counted among the rest if that is full.
local function count_new(sum)
  local dimensions, at_field = {}, entry.first
  for line in string.gmatch(entry.dimensions, '[^\n]+') do
    local words = {}
    for word in string.gmatch(line, '[^ ]+') do words[#words + 1] = word end
    local size = tonumber(words[1])
    local dimension = {fields = {unpack(ARGV, at_field, at_field + size - 1)}, rest = {unpack(words, 7)},
                       index = words[2], kind = words[3], name = words[4], rest_name = words[5], most = tonumber(words[6])}
    dimensions[#dimensions + 1] = dimension
    at_field = at_field + size
    dimension.is_new = dimension.index and not get(BUDGET, dimension.fields[1])
    if dimension.is_new then want(BUDGET, dimension.index, unpack(dimension.rest)) end
  end
  fetch()

  local function fields_of(dimension)
    if not dimension.is_new then return dimension.fields end
    local listed = get(BUDGET, dimension.index)
    local _, commas = string.gsub(listed or '', ',', '')
    local name, fields = dimension.name, dimension.fields
    if listed and commas + 1 >= dimension.most then
      name, fields = dimension.rest_name, dimension.rest
      folded[#folded + 1] = dimension.kind
    end
    if not get(BUDGET, fields[1]) then set(BUDGET, dimension.index, listed and listed .. ',' .. name or name) end
    return fields
  end

  for _, dimension in ipairs(dimensions) do
    for _, field in ipairs(fields_of(dimension)) do set(BUDGET, field, sum(get(BUDGET, field))) end
  end
end

local function count()
  local sum, values = summing(), hashes[BUDGET].values
  for i = entry.first, entry.last do
    if not values[ARGV[i]] then return count_new(sum) end
  end
  for i = entry.first, entry.last do set(BUDGET, ARGV[i], sum(values[ARGV[i]])) end
end

-- Appends the record, before all else is written and after all is read: Redis rolls nothing back. Gives what the server
-- says where it has no room, as a stream may be full; then it is counted nowhere either.
local function append_record()
  local id = redis.pcall('XADD', RECORDS, '*', 'd', entry.record)
  return type(id) == 'table' and id.err or nil
end

-- Writes all but the record. Tells "|~kind,..." if names had to be folded.
local function flush_with_counters()
  local is_new_day, is_new_hour = not get(BUDGET, ARGV[entry.first]), not get(BUDGET, ARGV[entry.first + 1])
  count()
  -- Once a day: an earlier release may have begun the month, with a shorter life.
  if is_new_day then hashes[BUDGET].expire = BUDGET_TTL_S end
  flush()
  if is_new_day then redis.call('SADD', PROJECTS, entry.project) end
  if is_new_hour or entry.late then redis.call('EXPIRE', RECORDS, RECORDS_TTL_S) end
  return folded[1] and '|~' .. table.concat(folded, ',') or ''
end
