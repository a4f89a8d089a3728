-- Texts: many short ones put together, kept in a table and joined; and one that grows piece by piece.
local function joined(count)
  local parts = {}
  local i = 0
  while i < count do
    parts[#parts + 1] = "event_" .. i % 100 .. ".part_" .. i
    i = i + 1
  end
  return table.concat(parts, ", ")
end

local function grown(count)
  local text = ""
  local i = 0
  while i < count do
    text = text .. "x" .. i % 10 .. ";"
    i = i + 1
  end
  return text
end

print(utf8.len(joined(400000)))
print(utf8.len(grown(60000)))
