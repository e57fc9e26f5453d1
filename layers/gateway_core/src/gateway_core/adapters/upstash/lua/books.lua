-- The usage record and the counters of its day. Model: gateway_core/store/counters.py.

local COUNTERS, RECORDS, PROJECTS = KEYS[5], KEYS[6], KEYS[7]
local COUNTERS_TTL_S, RECORDS_TTL_S = 400 * 86400, 30 * 86400

local entry = read('project', 'record', '#cap', 'counts', '#dimensions')
local dimensions = {}
for i = 1, entry.dimensions do
  local size = read('#fields', '#rest')
  local dimension = {fields = {}, rest = {}}
  for j = 1, size.fields do dimension.fields[j] = read('name').name end
  for j = 1, size.rest do dimension.rest[j] = read('name').name end
  dimensions[i] = dimension
end

local function want_counters()
  for _, dimension in ipairs(dimensions) do
    want(COUNTERS, unpack(dimension.fields))
    want(COUNTERS, unpack(dimension.rest))
  end
end

-- Adds two vectors "a,b,c"; a missing one is all zeros.
local function sum(old, counts)
  if not old then return counts end
  local parts, more = {}, string.gmatch(counts, '-?%d+')
  for number in string.gmatch(old, '-?%d+') do
    parts[#parts + 1] = show(tonumber(number) + tonumber(more()))
  end
  return table.concat(parts, ',')
end

-- A new agent or user on a day that has very many is counted among the rest.
local is_full
local function fields_of(dimension)
  if #dimension.rest == 0 or get(COUNTERS, dimension.fields[1]) then return dimension.fields end
  if is_full == nil then is_full = redis.call('HLEN', COUNTERS) >= entry.cap end
  return is_full and dimension.rest or dimension.fields
end

local function count()
  local chosen = {}
  for i, dimension in ipairs(dimensions) do chosen[i] = fields_of(dimension) end
  for _, fields in ipairs(chosen) do
    for _, field in ipairs(fields) do set(COUNTERS, field, sum(get(COUNTERS, field), entry.counts)) end
  end
end

-- Writes everything, the record last.
local function flush_with_record()
  local is_new = not get(COUNTERS, 't')
  count()
  if is_new then hashes[COUNTERS].expire = COUNTERS_TTL_S end
  flush()
  if is_new then redis.call('SADD', PROJECTS, entry.project) end
  redis.call('XADD', RECORDS, '*', 'd', entry.record)
  redis.call('EXPIRE', RECORDS, RECORDS_TTL_S)
end
