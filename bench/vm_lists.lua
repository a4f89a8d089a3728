-- Lists: built element by element, each element read again, a list of records.
local function built(count)
  local numbers = {}
  local i = 0
  while i < count do
    numbers[#numbers + 1] = i * 3
    i = i + 1
  end
  local sum = 0
  for _, n in ipairs(numbers) do
    sum = sum + n
  end
  return sum + #numbers
end

local function paired(count)
  local pairs = {}
  local i = 0
  while i < count do
    pairs[#pairs + 1] = {key = i, weight = i % 7}
    i = i + 1
  end
  local sum = 0
  for _, p in ipairs(pairs) do
    sum = sum + p.key * p.weight
  end
  return sum
end

print(built(4000000))
print(paired(1000000))
