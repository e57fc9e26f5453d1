-- Tells news of deployments by themselves: somebody wants to read what is known.
-- KEYS as of `admit`. ARGV the request, the policy, the news. Replies 1.
want_news()
fetch()
hear_news()
flush()
return 1
