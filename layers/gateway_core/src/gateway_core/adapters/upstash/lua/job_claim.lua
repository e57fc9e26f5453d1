-- Takes or renews the lease of a job. KEYS job. ARGV now, worker, end of the lease, progress (empty: as it is).
-- Replies: "ours", "taken" by another worker, "ended", "gone".
local now, worker, lease, progress = unpack(ARGV)
local state, owner, until_ms = unpack(redis.call('HMGET', KEYS[1], 'state', 'worker', 'lease'))
if not state then return 'gone' end
if state ~= 'queued' and state ~= 'running' then return 'ended' end
if owner and owner ~= worker and tonumber(until_ms) > tonumber(now) then return 'taken' end
redis.call('HSET', KEYS[1], 'state', 'running', 'worker', worker, 'lease', lease)
if progress ~= '' then redis.call('HSET', KEYS[1], 'progress', progress) end
return 'ours'
