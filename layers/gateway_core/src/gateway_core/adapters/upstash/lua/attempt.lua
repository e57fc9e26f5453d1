-- Settling one attempt: its money, its deployment's breaker, latency and known, and the buckets.

local attempt = read('#number', '#provider', 'deployment', '#generation', '#probe', 'effect', '#latency', '#charge',
                     '#charge_tokens', '#unconfirmed', '#retry_after', '#tpm', '#rpm', '#unsent', '#streamed', '#seen',
                     '#until')
attempt.provider = KEYS[attempt.provider]
local reported_requests, reported_tokens = read('#limit', '#remaining', '#reset'), read('#limit', '#remaining', '#reset')
local UNSETTLED, UNCONFIRMED = hold_field('h', attempt.number), hold_field('x', attempt.number)
local NEXT, NEXT_UNCONFIRMED = hold_field('h', attempt.number + 1), hold_field('x', attempt.number + 1)
local LATENCY = (attempt.streamed == 1 and 'ft|' or 'ew|') .. attempt.deployment

local function want_attempt()
  want_accounts()
  want(BUDGET, UNSETTLED, UNCONFIRMED, NEXT, NEXT_UNCONFIRMED, MARK)
  want(attempt.provider, 'cb|' .. attempt.deployment, LATENCY, 'rl|' .. attempt.deployment, 'tk', 'td', 'rq')
end

local function is_new_degraded()
  local m = mark()
  return attempt.generation == DEGRADED and m.kind ~= 'c' and (not m.kind or m.attempt < attempt.number)
end

-- The hold shrinks by what is charged now: together they stay at the bound.
local function keep_unconfirmed(hold)
  local rest, rest_tokens = math.max(0, hold.nano - attempt.charge), math.max(0, hold.tokens - attempt.charge_tokens)
  move({spend = attempt.charge, spend_tokens = attempt.charge_tokens,
        hold = rest - hold.nano, hold_tokens = rest_tokens - hold.tokens, limits = hold.limits})
  hold.nano, hold.tokens = rest, rest_tokens
  hold.paid, hold.paid_tokens = hold.paid + attempt.charge, hold.paid_tokens + attempt.charge_tokens
  drop(BUDGET, UNSETTLED)
  set(BUDGET, UNCONFIRMED, show_hold(hold))
end

local function release(hold)
  move({spend = math.max(0, attempt.charge - hold.paid),
        spend_tokens = math.max(0, attempt.charge_tokens - hold.paid_tokens),
        hold = -hold.nano, hold_tokens = -hold.tokens, limits = hold.limits})
  drop(BUDGET, UNSETTLED)
  drop(BUDGET, UNCONFIRMED)
end

local function settle_money()
  local hold = parse_hold(get(BUDGET, UNSETTLED) or get(BUDGET, UNCONFIRMED))
  if not hold then
    move({spend = attempt.charge, spend_tokens = attempt.charge_tokens, hold = 0, hold_tokens = 0})
  elseif attempt.unconfirmed == 1 then
    keep_unconfirmed(hold)
  else
    release(hold)
  end
end

local function trip(b)
  b.trips = b.trips + 1
  local cooldown = math.min(policy.cooldown * 2 ^ math.min(b.trips - 1, MOST_DOUBLINGS), policy.max_cooldown)
  b.state, b.since, b.till, b.generation = 'o', ticket.now, ticket.now + cooldown, b.generation + 1
end

local function limit(b)
  local till = ticket.now + attempt.retry_after
  if b.state == 'o' then
    if till > b.till then b.since, b.till = ticket.now, till end
  else
    b.state, b.since, b.till, b.generation = 'o', ticket.now, till, b.generation + 1
  end
end

local function end_probe(b)
  if attempt.effect == 'ok' then
    b.state, b.failures, b.since, b.till, b.generation, b.trips = 'c', 0, 0, 0, b.generation + 1, 0
  elseif attempt.effect == 'skip' then
    b.till = 0  -- the probe proved nothing: whoever comes next may probe
  else
    b.failures = b.failures + 1
    trip(b)
  end
end

local function count_result(b)
  if attempt.effect == 'ok' then
    b.failures, b.since = 0, 0
    return
  end
  if b.failures == 0 or ticket.now - b.since > policy.window then b.failures, b.since = 0, ticket.now end
  b.failures = b.failures + 1
  if b.failures >= policy.failures then trip(b) end
end

-- An answer counts only for the generation it was admitted under, except a rate limit with a known end.
local function settle_breaker()
  local b = breaker(attempt.provider, attempt.deployment)
  local generation, trips = b.generation, b.trips
  if attempt.effect == 'limit' and attempt.retry_after > 0 then
    limit(b)
  elseif attempt.generation ~= b.generation then
    return
  elseif b.state == 'h' and attempt.probe == 1 then
    end_probe(b)
  elseif b.state == 'c' and attempt.effect ~= 'skip' then
    count_result(b)
  else
    return
  end
  if get(attempt.provider, 'cb|' .. attempt.deployment) or b.failures > 0 or b.generation > 0 then
    put_breaker(attempt.provider, attempt.deployment, b)
  end
  if b.generation ~= generation then
    local is_limit = b.state == 'o' and b.trips == trips
    report_breaker(attempt.provider, attempt.deployment, b, is_limit and 'l' or b.state)
  end
end

-- Moving average "microseconds;when": alpha is 0.2, or 0.5 after a minute without any. Whole numbers, so that no
-- rounding differs from the model's.
local function settle_latency()
  if attempt.effect ~= 'ok' then return end
  local average, at = string.match(get(attempt.provider, LATENCY) or '', '^(%d+);(%d+)$')
  if average then
    local parts = ticket.now - tonumber(at) >= STALE_MS and 2 or 5
    average = math.floor(((parts - 1) * tonumber(average) + 1000 * attempt.latency) / parts)
  else
    average = 1000 * attempt.latency
  end
  set(attempt.provider, LATENCY, show(average) .. ';' .. show(ticket.now))
end

-- What was used counts whole, however much it is: more than was reserved is owed.
local function correct(key, field, debt, reserved, used, per_minute)
  if per_minute == 0 then return end
  local whole = math.ceil(math.min(used, math.max(per_minute, MOST_PACED)) * MINUTE_US / per_minute)
  local change = whole - time_of(reserved, per_minute)
  if change ~= 0 then add(key, field, change) end
  if change <= 0 or not debt then return end
  if hashes[key].wanted[debt] and not get(key, debt) then
    set(key, debt, show(change))
  else
    add(key, debt, change)
  end
end

-- Tokens that were not used and, of an attempt that was not sent, its place. What nobody knows the size of is not given
-- back; a minute heals it.
local function settle_buckets(hold)
  if not hold or attempt.unconfirmed == 1 then return end
  local requests = 1 - attempt.unsent
  correct(KEY_PROJECT, 'tk|' .. ticket.key, 'td|' .. ticket.key, hold.tokens, attempt.charge_tokens, hold.key_tpm)
  correct(KEY_PROJECT, 'rq|' .. ticket.key, nil, 1, requests, hold.key_rpm)
  if attempt.generation ~= DEGRADED then
    correct(attempt.provider, 'tk', 'td', hold.tokens, attempt.charge_tokens, attempt.tpm)
    correct(attempt.provider, 'rq', nil, 1, requests, attempt.rpm)
  end
end

local function settle_provider_limits(hold)
  if attempt.seen == 0 then return end
  local known = provider_limits_of(attempt.provider, attempt.deployment)
    or {till = 0, requests = parse_counter(UNREPORTED), tokens = parse_counter(UNREPORTED)}
  known.till = math.max(known.till, attempt['until'])
  update_from_report(known.requests, reported_requests, attempt.seen, hold and hold.sequence)
  update_from_report(known.tokens, reported_tokens, attempt.seen, hold and hold.token_sequence)
  put_provider_limits(attempt.provider, attempt.deployment, known)
end

-- Everything about the attempt; call it once.
local function settle_attempt()
  local hold = parse_hold(get(BUDGET, UNSETTLED))
  settle_money()
  settle_breaker()
  settle_latency()
  settle_buckets(hold)
  settle_provider_limits(hold)
end
