  def copy_beside(self, source: Tensor, target: Tensor) -> NoneType:
    torch.copy_(target, source)
    return None
