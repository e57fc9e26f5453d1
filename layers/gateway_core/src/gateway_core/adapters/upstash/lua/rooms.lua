-- What providers say of their limits, by deployment. Model: `Room` in gateway_core/store/rate_limit.py.
-- "until;requests;tokens"; both are "seen,limit,remaining,reset,mark,count,arrival" with -1 for what was not said.
local WORD_LIFE_MS, MOST_PACED = 300000, 100000000
local UNHEARD = '0,-1,-1,-1,0,0,0'

local function parse_gauge(text)
  local seen, limit, remaining, reset, mark, count, arrival =
    string.match(text, '^(%d+),(-?%d+),(-?%d+),(-?%d+),(%d+),(%d+),(%d+)$')
  return {
    seen = tonumber(seen), limit = tonumber(limit), remaining = tonumber(remaining), reset = tonumber(reset),
    mark = tonumber(mark), count = tonumber(count), arrival = tonumber(arrival),
  }
end

local function show_gauge(g)
  return table.concat({
    show(g.seen), show(g.limit), show(g.remaining), show(g.reset), show(g.mark), show(g.count), show(g.arrival),
  }, ',')
end

-- The room of a deployment, nil while its provider has said nothing.
local function room_of(provider, deployment)
  local till, requests, tokens = string.match(get(provider, 'rl|' .. deployment) or '', '^(%d+);([^;]+);([^;]+)$')
  if not till then return nil end
  return {till = tonumber(till), requests = parse_gauge(requests), tokens = parse_gauge(tokens)}
end

local function put_room(provider, deployment, room)
  set(provider, 'rl|' .. deployment,
      table.concat({show(room.till), show_gauge(room.requests), show_gauge(room.tokens)}, ';'))
end

-- The limit to count against; 0 = none.
local function paced(quota)
  return (quota.limit > 0 and quota.limit <= MOST_PACED) and quota.limit or 0
end

-- Counts units in a gauge, in place; how long they must wait.
local function take(gauge, units, opens)
  gauge.count = gauge.count + units
  local limit = ticket.now - gauge.seen <= WORD_LIFE_MS and paced(gauge) or 0
  if limit == 0 then return 0 end
  local delay
  gauge.arrival, delay = reserve(gauge.arrival, units, limit, opens)
  return delay
end

local function whole_at(quota, seen)
  local limit, now = paced(quota), seen * 1000
  if limit == 0 or quota.remaining < 0 then return now end
  local by_rate = now + time_of(math.max(0, limit - quota.remaining), limit)
  if quota.reset < 0 then return by_rate end
  return math.max(now, math.min(by_rate, quota.reset * 1000))
end

-- What one answer says of one limit, for a gauge in place; mark is that of the answered attempt, nil if unknown.
local function hear(gauge, quota, seen, mark)
  local says_nothing = quota.limit < 0 and quota.remaining < 0 and quota.reset < 0
  if says_nothing or (mark and mark < gauge.mark) then return end
  local arrival = whole_at(quota, seen)
  -- A mark that the count has not reached is from before the store lost its memory.
  local is_later = mark and gauge.mark < mark and mark <= gauge.count
  if is_later then
    local limit = paced(quota)
    if limit > 0 then arrival = arrival + time_of(gauge.count - mark, limit) end
    gauge.mark, gauge.arrival = mark, arrival
  else
    gauge.arrival = math.max(gauge.arrival, arrival)
  end
  if is_later or seen >= gauge.seen then
    gauge.seen, gauge.limit, gauge.remaining, gauge.reset = seen, quota.limit, quota.remaining, quota.reset
  end
end
