-- What an attempt taught of its deployment. Of a success that changes nothing but averages and counts, its process tells
-- with its next admission, which reads and writes what is known of deployments anyway. See adapters/upstash/news.py.

local news = {}
at = at + 1
for i = 1, tonumber(ARGV[at]) do
  news[i] = {
    provider = ARGV[at + 1], deployment = ARGV[at + 2], at = tonumber(ARGV[at + 3]), generation = tonumber(ARGV[at + 4]),
    latency = tonumber(ARGV[at + 5]), streamed = ARGV[at + 6] == '1', held = tonumber(ARGV[at + 7]),
    charge_tokens = tonumber(ARGV[at + 8]), tpm = tonumber(ARGV[at + 9]), rpm = tonumber(ARGV[at + 10]),
    unsent = tonumber(ARGV[at + 11]), sequence = tonumber(ARGV[at + 12]), token_sequence = tonumber(ARGV[at + 13]),
    seen = tonumber(ARGV[at + 14]), till = tonumber(ARGV[at + 15]), reports = at + 15,
  }
  at = at + 21
end

local function latency_field(told)
  return field_of(told.streamed and 'ft' or 'ew', told.provider, told.deployment)
end

local function want_deployment(told)
  local provider, deployment = told.provider, told.deployment
  want(DEPLOYMENTS, field_of('cb', provider, deployment), latency_field(told), field_of('rl', provider, deployment))
  if told.tpm > 0 then want(DEPLOYMENTS, 'tk|' .. provider, 'td|' .. provider) end
  if told.rpm > 0 then want(DEPLOYMENTS, 'rq|' .. provider) end
end

local function want_news()
  for _, told in ipairs(news) do want_deployment(told) end
end

local learning = once(function()
  -- Moving average "microseconds;when": alpha is 0.2, or 0.5 after a minute without any. Whole numbers, so that no
  -- rounding differs from the model's.
  local function learn_latency(told, now)
    local field = latency_field(told)
    local average, at = string.match(get(DEPLOYMENTS, field) or '', '^(%d+);(%d+)$')
    if average then
      local parts = now - tonumber(at) >= STALE_MS and 2 or 5
      average = math.floor(((parts - 1) * tonumber(average) + 1000 * told.latency) / parts)
    else
      average = 1000 * told.latency
    end
    set(DEPLOYMENTS, field, show(average) .. ';' .. show(now))
  end

  -- What was used counts whole, however much it is: more than was reserved is owed.
  local function correct(key, field, debt, reserved, used, per_minute)
    if per_minute == 0 then return end
    local whole = math.ceil(math.min(used, math.max(per_minute, MOST_PACED)) * MINUTE_US / per_minute)
    local change = whole - rates().time_of(reserved, per_minute)
    if change ~= 0 then add(key, field, change) end
    if change <= 0 or not debt then return end
    if hashes[key] and hashes[key].values[debt] == false then
      set(key, debt, show(change))
    else
      add(key, debt, change)
    end
  end

  -- Tokens that were not used and, of an attempt that was not sent, its place.
  local function give_back(told, held)
    correct(DEPLOYMENTS, 'tk|' .. told.provider, 'td|' .. told.provider, held, told.charge_tokens, told.tpm)
    correct(DEPLOYMENTS, 'rq|' .. told.provider, nil, 1, 1 - told.unsent, told.rpm)
  end

  local function learn_limits(told, now, sequence, token_sequence)
    if told.seen == 0 then return end
    -- What follows an argument: the limit, what remains of it, and when it is whole again.
    local function reported_limit(after)
      return {limit = tonumber(ARGV[after + 1]), remaining = tonumber(ARGV[after + 2]), reset = tonumber(ARGV[after + 3])}
    end
    local known = provider_limits_of(told.provider, told.deployment, now)
      or {till = 0, requests = reported_limits().none(), tokens = reported_limits().none()}
    known.till = math.max(known.till, told.till)
    reported_limits().update(known.requests, reported_limit(told.reports), told.seen, sequence)
    reported_limits().update(known.tokens, reported_limit(told.reports + 3), told.seen, token_sequence)
    reported_limits().put(told.provider, told.deployment, known)
  end

  return {latency = learn_latency, correct = correct, give_back = give_back, limits = learn_limits}
end)

-- In the order in which it happened, and by the clock of then: before anything else is done. What cannot be read is the
-- trouble of who asks for it.
local function hear_news()
  if not news[1] then return end
  for _, told in ipairs(news) do
    local b = find_breaker(told.provider, told.deployment, told.at)
    if b and b.state == 'c' and b.generation == told.generation and b.failures > 0 then
      b.failures, b.since = 0, 0
      put_breaker(told.provider, told.deployment, b)
    end
    learning().latency(told, told.at)
    learning().give_back(told, told.held)
    learning().limits(told, told.at, told.sequence, told.token_sequence)
  end
end
