  def copy_to_device(self, source: Tensor, target: Tensor) -> NoneType:
    torch.copy_(target, source)
    return None
