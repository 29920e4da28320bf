-- The do-it-yourself way: nginx looks a token's digest up in Redis before it lets a request pass.
-- As lua-resty-redis advises: the module is loaded once, connections are kept in a pool.
-- Redis has "owner scopes expiry" for each digest, scopes with commas.
local redis = require "nginx.redis"
local sha256 = require "nginx.sha256"

local _M = {}

local function token_of(header)
  if not header then return nil end
  local kind, credential = header:match("^(%a+) (%S+)$")
  if kind == "Bearer" then return credential end
  if kind ~= "Basic" then return nil end
  local decoded = ngx.decode_base64(credential)
  return decoded and decoded:match("^[^:]*:(.*)$")
end

local function has_scope(scopes, wanted)
  for scope in scopes:gmatch("[^,]+") do
    if scope == wanted then return true end
  end
  return false
end

function _M.check(socket_path, wanted)
  local token = token_of(ngx.var.http_authorization)
  if not token then return ngx.exit(401) end
  local hash = sha256:new()
  hash:update(token)
  local client = redis:new()
  client:set_timeouts(1000, 1000, 1000)
  local connected = client:connect("unix:" .. socket_path)
  if not connected then return ngx.exit(503) end
  local found, problem = client:get(hash:final())
  if problem then return ngx.exit(503) end
  client:set_keepalive(10000, 100)
  if found == ngx.null then return ngx.exit(401) end
  local owner, scopes, expiry = found:match("^(%S+) (%S+) (%d+)$")
  if not owner or tonumber(expiry) <= ngx.time() then return ngx.exit(401) end
  if not has_scope(scopes, wanted) then return ngx.exit(403) end
  ngx.header["X-Owner"] = owner
  return ngx.exit(200)
end

return _M
