-- Integer arithmetic: a generator of numbers, a branch on what it gives, a sum. No number is negative where it is divided.
local function arithmetic(count)
  local sum = 0
  local seed = 42
  local i = 0
  while i < count do
    seed = (seed * 1103515245 + 12345) % 2147483648
    if seed % 3 == 0 then
      sum = sum + seed // 7
    else
      sum = sum - i
    end
    i = i + 1
  end
  return sum
end

print(arithmetic(20000000))
