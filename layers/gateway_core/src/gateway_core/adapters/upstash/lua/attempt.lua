-- Settling one attempt: its money, its deployment's breaker, latency and known, and the buckets.

local attempt = {
  number = tonumber(ARGV[at + 1]), provider = ARGV[at + 2], deployment = ARGV[at + 3], generation = tonumber(ARGV[at + 4]),
  probe = ARGV[at + 5] == '1', effect = ARGV[at + 6], latency = tonumber(ARGV[at + 7]), charge = tonumber(ARGV[at + 8]),
  charge_tokens = tonumber(ARGV[at + 9]), unconfirmed = ARGV[at + 10] == '1', retry_after = tonumber(ARGV[at + 11]),
  tpm = tonumber(ARGV[at + 12]), rpm = tonumber(ARGV[at + 13]), unsent = tonumber(ARGV[at + 14]),
  streamed = ARGV[at + 15] == '1', serial = tonumber(ARGV[at + 16]), seen = tonumber(ARGV[at + 17]),
  till = tonumber(ARGV[at + 18]), estimated = tonumber(ARGV[at + 19]), kept = tonumber(ARGV[at + 20]),
  kept_tokens = tonumber(ARGV[at + 21]), day_end = tonumber(ARGV[at + 22]), index = KEYS[tonumber(ARGV[at + 23])],
  is_news = ARGV[at + 24] == '1', reports = at + 24,
}
at = at + 30
local UNSETTLED, UNCONFIRMED = hold_field('h', attempt.number), hold_field('x', attempt.number)
local BOOKED = hold_field('e', attempt.number)

local function want_attempt()
  want_accounts()
  local following = attempt.number + 1
  want(BUDGET, EMPTIED, UNSETTLED, UNCONFIRMED, hold_field('h', following), hold_field('x', following), MARK, BOOKED,
       hold_field('e', following))
  if attempt.estimated == 1 then want_estimates() end
  if attempt.unconfirmed then want(PROJECT, 'due') end
  if not attempt.is_news then want_deployment(attempt) end
end

-- What a late copy of the admission holds is nobody's: to settle it would count the attempt once more.
local function fetch_attempt()
  fetch()
  if attempt.serial == 0 then return end
  for _, field in ipairs({UNSETTLED, UNCONFIRMED, BOOKED}) do
    local answer = string.match(get(BUDGET, field) or '', '|(.*)$')
    local serial = answer and string.match(answer, '^%+%d+,%d+,%-?%d+,%d+,%d+,%d+,(%d+)')
    if serial and tonumber(serial) ~= attempt.serial then hashes[BUDGET].values[field] = false end
  end
end

local function is_new_degraded()
  local m = mark()
  return attempt.generation == DEGRADED and m.kind ~= 'c' and (not m.kind or m.attempt < attempt.number)
end

-- Whether the attempt, which is to be settled, is booked as an estimate: that has to be taken back first.
local function is_in_the_way()
  if not get(BUDGET, BOOKED) then return false end
  return is_new_degraded() or (is_booked_open(attempt.number) and mark().kind ~= 'c')
end

-- The hold shrinks by what is charged now: together they stay within the bound.
local keep_unconfirmed = once(function()
  -- What stays held: -1 is all of the rest.
  local function rest_of(held, charge, kept)
    local rest = math.max(0, held - charge)
    return kept < 0 and rest or math.min(kept, rest)
  end

  return function(hold)
    local rest = rest_of(hold.nano, attempt.charge, attempt.kept)
    local rest_tokens = rest_of(hold.tokens, attempt.charge_tokens, attempt.kept_tokens)
    local guess, guess_tokens = attempt.estimated * attempt.charge, attempt.estimated * attempt.charge_tokens
    move({spend = attempt.charge, spend_tokens = attempt.charge_tokens, estimate = guess, estimate_tokens = guess_tokens,
          hold = rest - hold.nano, hold_tokens = rest_tokens - hold.tokens, limits = hold.limits})
    hold.nano, hold.tokens = rest, rest_tokens
    hold.paid, hold.paid_tokens = hold.paid + attempt.charge, hold.paid_tokens + attempt.charge_tokens
    hold.estimated, hold.estimated_tokens = hold.estimated + guess, hold.estimated_tokens + guess_tokens
    hold.since = show(ticket.now)
    drop(BUDGET, UNSETTLED)
    set(BUDGET, UNCONFIRMED, show_hold(hold))
    await_booking(attempt.index, attempt.number, math.max(attempt.day_end, ticket.now))
  end
end)

-- `open` is its hold as long as it is unsettled, nil where that is to be found.
local function settle_money(open)
  local hold = open or parse_hold(get(BUDGET, UNSETTLED) or get(BUDGET, UNCONFIRMED))
  local charge, charge_tokens, estimated = attempt.charge, attempt.charge_tokens, attempt.estimated
  if not hold then
    count_user(has_user_account())
    move({spend = charge, spend_tokens = charge_tokens, hold = 0, hold_tokens = 0,
          estimate = estimated * charge, estimate_tokens = estimated * charge_tokens})
  elseif attempt.unconfirmed then
    keep_unconfirmed()(hold)
  else
    -- What was paid stays paid but for what of it was an estimate: that is replaced.
    local known, known_tokens = hold.paid - hold.estimated, hold.paid_tokens - hold.estimated_tokens
    local total, total_tokens = math.max(charge, known), math.max(charge_tokens, known_tokens)
    move({spend = total - hold.paid, spend_tokens = total_tokens - hold.paid_tokens,
          estimate = estimated * (total - known) - hold.estimated,
          estimate_tokens = estimated * (total_tokens - known_tokens) - hold.estimated_tokens,
          hold = -hold.nano, hold_tokens = -hold.tokens, limits = hold.limits})
    if get(BUDGET, UNCONFIRMED) then later('ZREM', attempt.index, index_name(attempt.number)) end
    drop(BUDGET, UNSETTLED)
    drop(BUDGET, UNCONFIRMED)
  end
end

-- An answer counts only for the generation it was admitted under, except a rate limit with a known end.
local function settle_breaker()
  local b = breaker(attempt.provider, attempt.deployment)
  local generation, trips = b.generation, b.trips

  local function trip()
    b.trips = b.trips + 1
    local cooldown = math.min(policy.cooldown * 2 ^ math.min(b.trips - 1, MOST_DOUBLINGS), policy.max_cooldown)
    b.state, b.since, b.till, b.generation = 'o', ticket.now, ticket.now + cooldown, b.generation + 1
  end

  local function limit()
    local till = ticket.now + attempt.retry_after
    if b.state == 'o' then
      if till > b.till then b.since, b.till = ticket.now, till end
    else
      b.state, b.since, b.till, b.generation = 'o', ticket.now, till, b.generation + 1
    end
  end

  local function end_probe()
    if attempt.effect == 'ok' then
      b.state, b.failures, b.since, b.till, b.generation, b.trips = 'c', 0, 0, 0, b.generation + 1, 0
    elseif attempt.effect == 'skip' then
      b.till = 0  -- the probe proved nothing: whoever comes next may probe
    else
      b.failures = b.failures + 1
      trip()
    end
  end

  local function count_result()
    if attempt.effect == 'ok' then
      b.failures, b.since = 0, 0
      return
    end
    if b.failures == 0 or ticket.now - b.since > policy.window then b.failures, b.since = 0, ticket.now end
    b.failures = b.failures + 1
    if b.failures >= policy.failures then trip() end
  end

  if attempt.effect == 'limit' and attempt.retry_after > 0 then
    limit()
  elseif attempt.generation ~= b.generation then
    return
  elseif b.state == 'h' and attempt.probe then
    end_probe()
  elseif b.state == 'c' and attempt.effect ~= 'skip' then
    count_result()
  else
    return
  end
  local is_kept = get(DEPLOYMENTS, field_of('cb', attempt.provider, attempt.deployment))
  if is_kept or b.failures > 0 or b.generation > 0 then put_breaker(attempt.provider, attempt.deployment, b) end
  if b.generation ~= generation then
    local is_limit = b.state == 'o' and b.trips == trips
    report_breaker(attempt.provider, attempt.deployment, b, is_limit and 'l' or b.state)
  end
end

-- What nobody knows the size of is not given back; a minute heals it.
local function settle_buckets(hold)
  if not hold or attempt.unconfirmed then return end
  local key = ticket.key
  if hold.key_tpm > 0 then
    learning().correct(KEY_PROJECT, 'tk|' .. key, 'td|' .. key, hold.tokens, attempt.charge_tokens, hold.key_tpm)
  end
  if hold.key_rpm > 0 then learning().correct(KEY_PROJECT, 'rq|' .. key, nil, 1, 1 - attempt.unsent, hold.key_rpm) end
  if attempt.generation ~= DEGRADED and not attempt.is_news then learning().give_back(attempt, hold.tokens) end
end

-- Everything about the attempt; call it once. What is to be told as news needs what its hold knows, and that is told
-- after the answer: "|=tokens,sequence of requests,sequence of tokens".
local function settle_attempt()
  local hold = parse_hold(get(BUDGET, UNSETTLED))
  settle_money(hold)
  settle_buckets(hold)
  if attempt.is_news then
    return string.format('|=%.0f,%.0f,%.0f', hold.tokens, hold.sequence, hold.token_sequence)
  end
  settle_breaker()
  if attempt.effect == 'ok' then learning().latency(attempt, ticket.now) end
  learning().limits(attempt, ticket.now, hold and hold.sequence, hold and hold.token_sequence)
  return ''
end
