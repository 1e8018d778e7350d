  def first_non_finite(self, x: Tensor) -> int:
    bad = torch.logical_not(torch.isfinite(torch.reshape(x, [-1])))
    if not bool(torch.any(bad)):
      return -1
    return int(torch.item(torch.argmax(torch.to(bad, 0))))
