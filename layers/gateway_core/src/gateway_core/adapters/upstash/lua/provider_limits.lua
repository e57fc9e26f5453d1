-- The rate limits that providers report, by deployment. Model: `ProviderLimits` in gateway_core/store/rate_limit.py.
-- "until;requests;tokens"; both are "seen,limit,remaining,reset,sequence,count,arrival" with -1 for what was not reported.
local reported_limits = once(function()
  local function parse_counter(text)
    local seen, limit, remaining, reset, sequence, count, arrival =
      string.match(text, '^(%d+),(-?%d+),(-?%d+),(-?%d+),(%d+),(%d+),(%d+)$')
    if not seen then return nil end
    return {
      seen = tonumber(seen), limit = tonumber(limit), remaining = tonumber(remaining), reset = tonumber(reset),
      sequence = tonumber(sequence), count = tonumber(count), arrival = tonumber(arrival),
    }
  end

  local function show_counter(g)
    return string.format('%.0f,%.0f,%.0f,%.0f,%.0f,%.0f,%.0f', g.seen, g.limit, g.remaining, g.reset, g.sequence, g.count,
                         g.arrival)
  end

  local function put(provider, deployment, limits)
    set(DEPLOYMENTS, field_of('rl', provider, deployment),
        table.concat({show(limits.till), show_counter(limits.requests), show_counter(limits.tokens)}, ';'))
  end

  -- The limit to count against; 0 = none.
  local function paced(quota)
    return (quota.limit > 0 and quota.limit <= MOST_PACED) and quota.limit or 0
  end

  -- Counts units in a counter, in place; how long they must wait.
  local function take(counter, units, opens)
    counter.count = counter.count + units
    local limit = ticket.now - counter.seen <= REPORT_LIFE_MS and paced(counter) or 0
    if limit == 0 then return 0 end
    local delay
    counter.arrival, delay = rates().reserve(counter.arrival, units, limit, opens)
    return delay
  end

  -- What one answer says of one limit, for a counter in place; sequence is that of the answered attempt, nil if unknown.
  local function update_from_report(counter, quota, seen, sequence)
    local function whole_at()
      local limit, now = paced(quota), seen * 1000
      if limit == 0 or quota.remaining < 0 then return now end
      local by_rate = now + rates().time_of(math.max(0, limit - quota.remaining), limit)
      if quota.reset < 0 then return by_rate end
      return math.max(now, math.min(by_rate, quota.reset * 1000))
    end
    local says_nothing = quota.limit < 0 and quota.remaining < 0 and quota.reset < 0
    if says_nothing or (sequence and sequence < counter.sequence) then return end
    local arrival = whole_at()
    -- A sequence that the count has not reached is from before the store lost its memory.
    local is_later = sequence and counter.sequence < sequence and sequence <= counter.count
    if is_later then
      local limit = paced(quota)
      if limit > 0 then arrival = arrival + rates().time_of(counter.count - sequence, limit) end
      counter.sequence, counter.arrival = sequence, arrival
    else
      counter.arrival = math.max(counter.arrival, arrival)
    end
    if is_later or seen >= counter.seen then
      counter.seen, counter.limit, counter.remaining, counter.reset = seen, quota.limit, quota.remaining, quota.reset
    end
  end

  local function read(provider, deployment, text, now)
    local till, requests, tokens = string.match(text, '^(%d+);([^;]+);([^;]+)$')
    requests, tokens = parse_counter(requests or ''), parse_counter(tokens or '')
    if not requests or not tokens then return nil end
    local known = {till = tonumber(till), requests = requests, tokens = tokens}
    local ahead = math.max(requests.seen, tokens.seen) - now
    if ahead > SKEW_MS then known.till = math.max(0, known.till - ahead) end
    local opens = math.max(now, known.till)
    for _, g in ipairs({requests, tokens}) do
      if g.seen > now + SKEW_MS then g.seen = now end
      -- A report is a minute's worth at most, and what was admitted since as much again.
      if g.arrival > opens * 1000 + MINUTE_US + LATEST_US then g.arrival = opens * 1000 + MINUTE_US end
    end
    put(provider, deployment, known)
    return known
  end

  return {read = read, put = put, take = take, update = update_from_report,
          none = function() return parse_counter('0,-1,-1,-1,0,0,0') end}
end)

-- The limits of a deployment at the moment `now`, nil while its provider has reported nothing. What cannot be read is
-- replaced by the next report; what only a wrong clock can have written is put right at once.
local function provider_limits_of(provider, deployment, now)
  local text = get(DEPLOYMENTS, field_of('rl', provider, deployment))
  return text and reported_limits().read(provider, deployment, text, now) or nil
end
