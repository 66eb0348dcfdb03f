-- What scripts read of envelopes; see envelope.go.

-- kind_of gives the kind of a job by its envelope; nil if that cannot be read. See envelope.go.
local function kind_of(envelope)
  local size = envelope and string.byte(envelope, 15)
  return size and string.sub(envelope, 16, 15 + size)
end

-- extra_at gives the tag of an extra of an envelope, and where its value begins and ends. See
-- envelope.go.
local function extra_at(envelope, at)
  local tag, size, more = string.byte(envelope, at, at + 2)
  if not size then return end
  if size < 128 then return tag, at + 2, at + 1 + size end
  size = size - 128 + 128 * (more or 0)
  return tag, at + 3, at + 2 + size
end

-- first_extra gives where the extras of an envelope begin; nil if that cannot be read.
local function first_extra(envelope)
  local kind = string.byte(envelope, 15)
  if not kind then return end
  local at = 16 + kind
  for _ = 1, 3 do -- numbers, the last of which is the length of what follows
    while (string.byte(envelope, at) or 0) >= 128 do at = at + 1 end
    at = at + 1
  end
  return at
end

-- group_of gives the group of a job by its envelope; nil if it is of none.
local function group_of(envelope)
  local flags = string.byte(envelope or '', 2) or 0
  local at = flags >= 128 and first_extra(envelope)
  if not at then return end
  for _, before in ipairs({2, 4}) do -- what it is unique by, and its batch
    if math.floor(flags / before) % 2 == 1 then
      local _, _, last = extra_at(envelope, at)
      at = (last or #envelope) + 1
    end
  end
  local tag, first, last = extra_at(envelope, at)
  if tag == 8 then return string.sub(envelope, first, last) end
end
