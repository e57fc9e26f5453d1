-- Rate limits of our own. Model: gateway_core/store/rate_limit.py.

-- GCRA. State is the theoretical arrival time in microseconds; a burst is one minute's worth.
local function time_of(units, per_minute)
  return math.ceil(math.min(units, per_minute) * MINUTE_US / per_minute)
end

-- The arrival once units are booked that are used from the moment `from` on, now if it is nil; and how long to wait.
local function reserve(arrival, units, per_minute, from)
  local moved = math.max(tonumber(arrival or 0), (from or ticket.now) * 1000) + time_of(units, per_minute)
  return moved, math.max(0, math.ceil((moved - MINUTE_US) / 1000) - ticket.now)
end
