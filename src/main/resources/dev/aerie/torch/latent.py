  def join_shared(self, own: Tensor, shared: Tensor) -> Tensor:
    n, heads, d = torch.size(own)
    return torch.cat([own, torch.expand(shared, [n, heads, torch.size(shared, 2)])], -1)
