"""OpenAI's Responses wire: what is asked, and how it is answered."""
