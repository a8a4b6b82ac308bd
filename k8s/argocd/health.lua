-- How Argo CD judges a MovieTicketing. In the ConfigMap argocd-cm:
--   resource.customizations.health.movieticketing.io_MovieTicketing: |
--     <this file>
local health = { status = "Progressing", message = "No operator has seen it yet." }
local status = obj.status
if status == nil or status.conditions == nil then
  return health
end
local found = {}
for _, condition in ipairs(status.conditions) do
  found[condition.type] = condition
end
local ready = found["Ready"]
if ready == nil then
  return health
end
health.message = ready.message
if status.phase == "Paused" then
  health.status = "Suspended"
elseif status.observedGeneration ~= obj.metadata.generation then
  health.message = "The operator has not seen the last change yet."
elseif found["Degraded"] ~= nil and found["Degraded"].status == "True" then
  health.status = "Degraded"
  health.message = found["Degraded"].message
elseif ready.status == "True" then
  health.status = "Healthy"
end
return health
