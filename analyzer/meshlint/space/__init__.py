"""ALL REQUESTS: questions about sets of requests, answered exactly, with a witness or with the reason why not."""
