-- Ends a job, unless it has ended. KEYS job, open jobs of the project, open jobs of all.
-- ARGV state, error, now, progress (empty: as it is), the job's token and its name among all.
-- Replies the state that it ended with, empty if there is no such job.
local state, code, now, progress, token, member = unpack(ARGV)
redis.call('ZREM', KEYS[2], token)
redis.call('ZREM', KEYS[3], member)
local was = redis.call('HGET', KEYS[1], 'state')
if not was then return '' end
if progress ~= '' then redis.call('HSET', KEYS[1], 'progress', progress) end
if was ~= 'queued' and was ~= 'running' then return was end
redis.call('HSET', KEYS[1], 'state', state, 'error', code, 'ended', now)
return state
