-- Requests of many different tokens, made once and sent in turn. SAMPLE_FILE: "organization token".
local requests = {}
local at = 0
local alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

local function base64(text)
  local out = {}
  for i = 1, #text, 3 do
    local a, b, c = text:byte(i, i + 2)
    local bits = a * 65536 + (b or 0) * 256 + (c or 0)
    for place = 1, 4 do
      local value = math.floor(bits / 64 ^ (4 - place)) % 64
      local padded = (place == 3 and not b) or (place == 4 and not c)
      out[#out + 1] = padded and "=" or alphabet:sub(value + 1, value + 1)
    end
  end
  return table.concat(out)
end

function init()
  for line in io.lines(os.getenv("SAMPLE_FILE")) do
    local organization, token = line:match("(%S+) (%S+)")
    requests[#requests + 1] = wrk.format("GET", "/" .. organization .. "/_apis/projects/one", {
      Authorization = "Basic " .. base64(":" .. token),
    })
    if #requests == 20000 then break end
  end
end

function request()
  at = at % #requests + 1
  return requests[at]
end
