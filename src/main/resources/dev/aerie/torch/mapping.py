  def map_file(self, path: str, bytes: int) -> Tensor:
    return torch.from_file(path, False, bytes, dtype=0)
  def mapped_view(self, bytes: Tensor, offset: int, shape: List[int], dtype: int) -> Tensor:
    # set_ requires the whole map and an offset in elements of the new type.
    flat = torch.set_(torch.empty([0], dtype=dtype, device=ops.prim.device(bytes)), bytes, offset, [self.product(shape)], [1])
    return torch.view(flat, shape)
  def mapped_copy(self, bytes: Tensor, offset: int, length: int, shape: List[int], dtype: int) -> Tensor:
    own = torch.clone(torch.narrow(bytes, 0, offset, length))
    flat = torch.set_(torch.empty([0], dtype=dtype), own, 0, [self.product(shape)], [1])
    return torch.view(flat, shape)
