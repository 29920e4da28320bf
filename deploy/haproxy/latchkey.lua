-- Asks Latchkey's gate whether a request may pass: the action lua.latchkey of haproxy.cfg.
-- The gate's address is in LATCHKEY_GATE, which haproxy.cfg sets.
local endpoint = os.getenv("LATCHKEY_GATE") .. "/_latchkey/forward-auth"
local timeout_ms = 5000

-- Of the request to the gate: what belongs to one hop, or tells the original in another form.
local not_sent = {
  ["connection"] = true, ["keep-alive"] = true, ["proxy-connection"] = true, ["te"] = true,
  ["trailer"] = true, ["transfer-encoding"] = true, ["upgrade"] = true, ["expect"] = true,
  ["content-length"] = true, ["host"] = true, ["forwarded"] = true,
  ["x-original-method"] = true, ["x-original-uri"] = true, ["x-original-host"] = true,
  ["x-original-url"] = true, ["x-forwarded-method"] = true, ["x-forwarded-uri"] = true,
  ["x-forwarded-host"] = true, ["x-forwarded-for"] = true, ["x-forwarded-proto"] = true,
}

local identity = {
  "x-latchkey-user", "x-latchkey-token", "x-latchkey-organization",
  "x-latchkey-organization-name", "x-latchkey-scopes", "x-latchkey-operation",
}

-- Of a refusal of the gate: what its answer does not take over.
local not_answered = {
  ["connection"] = true, ["content-length"] = true, ["transfer-encoding"] = true, ["date"] = true,
  ["x-latchkey-status"] = true, ["x-latchkey-body"] = true,
}

local function first(headers, name)
  local values = headers and headers[name]
  return values and values[0] or nil
end

local function refuse(txn, status, headers, body)
  local reply = txn:reply({ status = status, body = body })
  for name, values in pairs(headers) do
    for i = 0, #values do
      if values[i] then reply:add_header(name, values[i]) end
    end
  end
  txn:done(reply)
end

local function headers_for_gate(txn)
  local headers = {}
  for name, values in pairs(txn.http:req_get_headers()) do
    if not not_sent[name] then
      local list = {}
      for i = 0, #values do list[#list + 1] = values[i] end
      headers[name] = list
    end
  end
  headers["x-original-method"] = { txn.sf:method() }
  headers["x-original-uri"] = { txn.sf:pathq() }
  headers["x-original-host"] = { txn.sf:req_hdr("host") }
  headers["x-forwarded-for"] = { txn.sf:src() }
  return headers
end

local function latchkey(txn)
  local asked = headers_for_gate(txn)
  for _, name in ipairs(identity) do txn.http:req_del_header(name) end
  local answered, answer = pcall(function()
    return core.httpclient():get({ url = endpoint, headers = asked, timeout = timeout_ms })
  end)
  if not answered or not answer or answer.status == nil or answer.status == 0 then
    return refuse(txn, 503, { ["content-type"] = { "application/json" }, ["retry-after"] = { "1" } },
      '{"message":"The gate cannot be reached. Try again.",' ..
      '"typeKey":"ServiceUnavailableException"}')
  end
  if answer.status == 200 then
    for _, name in ipairs(identity) do
      local value = first(answer.headers, name)
      if value then txn.http:req_set_header(name, value) end
    end
    txn.http:req_del_header("authorization")
    local origin = first(answer.headers, "access-control-allow-origin")
    if origin then
      txn:set_var("txn.latchkey_cors_origin", origin)
      txn:set_var("txn.latchkey_cors_expose",
        first(answer.headers, "access-control-expose-headers"))
    end
    return
  end
  local headers = {}
  for name, values in pairs(answer.headers or {}) do
    if not not_answered[name] then headers[name] = values end
  end
  local status = tonumber(first(answer.headers, "x-latchkey-status") or answer.status)
  refuse(txn, status, headers, status ~= 204 and answer.body or nil)
end

core.register_action("latchkey", { "http-req" }, latchkey, 0)
