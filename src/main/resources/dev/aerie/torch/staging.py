  def staging(self, bytes: int, pinned: bool) -> Tensor:
    return torch.empty([bytes], dtype=0, device=torch.device("cpu"), pin_memory=pinned)
  def to_device_async(self, x: Tensor, device: str) -> Tensor:
    return torch.to(x, torch.device(device), ops.prim.dtype(x), True, True)
  def touch_pages(self, x: Tensor, step: int) -> Tensor:
    # Returned, because an operator whose result nobody uses is left out.
    return torch.amax(torch.slice(torch.view(x, [-1]), 0, None, None, step))
