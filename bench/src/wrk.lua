-- Reads the requests that wrk.ts wrote beside it (a method, then a path, a token and a body a line,
-- separated by tabs), sends them over and over, and prints what came of it as one line of JSON.

local requests = {}
local turn = 0
local made = 0
local prefix

function init(args)
  prefix = args[2] or ""
  local lines = io.lines(args[1])
  wrk.method = lines()
  for line in lines do
    local path, token, body = line:match("^([^\t]*)\t([^\t]*)\t([^\t]*)$")
    local headers = {}
    if token ~= "" then headers["Authorization"] = "Bearer " .. token end
    if body ~= "" then headers["Content-Type"] = "application/json" end
    if prefix ~= "" then headers["Idempotency-Key"] = "@@" end
    local text = wrk.format(nil, path, headers, body ~= "" and body or nil)
    -- Cut where the key goes, once: joining is all that is left to do for a request.
    local before, after = text:match("^(.*)@@(.*)$")
    requests[#requests + 1] = before and { before, after } or { text }
  end
end

function request()
  turn = turn % #requests + 1
  local parts = requests[turn]
  if parts[2] == nil then return parts[1] end
  made = made + 1
  return parts[1] .. prefix .. made .. parts[2]
end

function done(summary, latency)
  local errors = summary.errors
  print(string.format(
    '{"microseconds": %d, "answers": %d, "refused": %d, "errors": %d, "p50": %d, "p99": %d}',
    summary.duration, summary.requests, errors.status,
    errors.connect + errors.read + errors.write + errors.timeout,
    latency:percentile(50), latency:percentile(99)))
end
