-- Rate limits of our own. Model: gateway_core/store/rate_limit.py.

local rates = once(function()
  -- GCRA. State is the theoretical arrival time in microseconds; a burst is one minute's worth.
  local function time_of(units, per_minute)
    return math.ceil(math.min(units, per_minute) * MINUTE_US / per_minute)
  end

  -- The arrival once units are booked that are used from the moment `from` on, now if it is nil; and how long to wait.
  local function reserve(arrival, units, per_minute, from)
    local moved = math.max(arrival, (from or ticket.now) * 1000) + time_of(units, per_minute)
    return moved, math.max(0, math.ceil((moved - MINUTE_US) / 1000) - ticket.now)
  end

  local function microseconds(key, field)
    local text = get(key, field) or '0'
    if not string.match(text, '^%-?%d+$') then unreadable(field .. ' of ' .. key) end
    return tonumber(text)
  end

  -- The arrival of a bucket, and how much of it is owed. What only a wrong clock can have written is put right at once.
  local function arrival_of(key, field, debt)
    local arrival, owed = microseconds(key, field), debt and microseconds(key, debt) or 0
    if arrival > ticket.now * 1000 + LATEST_US + owed then
      arrival = ticket.now * 1000 + MINUTE_US + owed
      set(key, field, show(arrival))
    end
    return arrival, owed
  end

  local function debt_after(arrival, owed)
    return math.min(owed, math.max(0, arrival - ticket.now * 1000 - LATEST_US))
  end

  return {time_of = time_of, reserve = reserve, arrival_of = arrival_of, debt_after = debt_after}
end)
