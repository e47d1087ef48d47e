/** Parts of memory that grow (columns_layout.ts): where one begins, for how many entries it has room, how many are in use. */

export function base(region: i32): i32 {
  return load<i32>(region);
}

export function room(region: i32): i32 {
  return load<i32>(region, 4);
}

export function used(region: i32): i32 {
  return load<i32>(region, 8);
}

export function setUsed(region: i32, count: i32): void {
  store<i32>(region, count, 8);
}

export function hasRoom(region: i32, more: i32): bool {
  return used(region) + more <= room(region);
}
