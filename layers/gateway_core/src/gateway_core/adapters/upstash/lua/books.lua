-- The usage record and its counters, which are fields of the budget's hash: they cost no command of their own.
-- Model: gateway_core/store/counters.py.

local RECORDS, PROJECTS = KEYS[5], KEYS[6]
local RECORDS_TTL_S = 31 * 86400

-- The first dimension counts all: a day, and an hour of it. `late` says that the record's hour is not the present one.
local entry = read('project', 'record', '#late', 'counts', '#dimensions')

local function argument()
  arguments_read = arguments_read + 1
  return ARGV[arguments_read]
end

local function field_arguments(number)
  local fields = {}
  for i = 1, number do fields[i] = argument() end
  return fields
end

local dimensions = {}
for i = 1, entry.dimensions do
  local size = tonumber(argument())
  local dimension = {fields = field_arguments(size), index = argument()}
  if dimension.index ~= '' then
    dimension.kind, dimension.name, dimension.rest_name = argument(), argument(), argument()
    dimension.most = tonumber(argument())
    dimension.rest = field_arguments(size)
  end
  dimensions[i] = dimension
end

local function want_counters()
  for _, dimension in ipairs(dimensions) do want(BUDGET, unpack(dimension.fields)) end
end

local deltas = {}
for number in string.gmatch(entry.counts, '-?%d+') do deltas[#deltas + 1] = number end

-- Adds the counts to a vector "a,b,c", of which zeros at the end may be missing; a missing vector is all zeros.
local function sum(old)
  if not old then return entry.counts end
  local parts, more = {}, string.gmatch(old, '-?%d+')
  for i, added in ipairs(deltas) do
    local was = more()
    parts[i] = (not was and added) or (added == '0' and was) or show(tonumber(was) + tonumber(added))
  end
  local rest = more()
  while rest do
    parts[#parts + 1] = rest
    rest = more()
  end
  return table.concat(parts, ',')
end

local function is_new(dimension)
  return dimension.index ~= '' and not get(BUDGET, dimension.fields[1])
end

-- Fetches the lists of names that a new one may have to go into, and where it is counted if they are full.
local function fetch_lists()
  for _, dimension in ipairs(dimensions) do
    if is_new(dimension) then want(BUDGET, dimension.index, unpack(dimension.rest)) end
  end
  fetch()
end

local folded = {}

local function fields_of(dimension)
  if not is_new(dimension) then return dimension.fields end
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

local function count()
  fetch_lists()
  for _, dimension in ipairs(dimensions) do
    for _, field in ipairs(fields_of(dimension)) do set(BUDGET, field, sum(get(BUDGET, field))) end
  end
end

-- Appends the record, before all else is written and after all is read: Redis rolls nothing back. Gives what the server says where it has no room, as a
-- stream may be full; then it is counted nowhere either.
local function append_record()
  local id = redis.pcall('XADD', RECORDS, '*', 'd', entry.record)
  return type(id) == 'table' and id.err or nil
end

-- Writes all but the record. Tells "|~kind,..." if names had to be folded.
local function flush_with_counters()
  local all = dimensions[1].fields
  local is_new_day, is_new_hour = not get(BUDGET, all[1]), not get(BUDGET, all[2])
  count()
  -- Once a day: an earlier release may have begun the month, with a shorter life.
  if is_new_day then hashes[BUDGET].expire = BUDGET_TTL_S end
  flush()
  if is_new_day then redis.call('SADD', PROJECTS, entry.project) end
  if is_new_hour or entry.late == 1 then redis.call('EXPIRE', RECORDS, RECORDS_TTL_S) end
  return #folded > 0 and '|~' .. table.concat(folded, ',') or ''
end
