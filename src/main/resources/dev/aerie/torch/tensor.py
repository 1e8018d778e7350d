  def none(self) -> NoneType:
    return None
  def product(self, shape: List[int]) -> int:
    n = 1
    for s in shape:
      n = n * s
    return n
  def zeros(self, shape: List[int], dtype: int, device: str) -> Tensor:
    return torch.zeros(shape, dtype=dtype, device=torch.device(device))
  def empty(self, shape: List[int], dtype: int) -> Tensor:
    return torch.empty(shape, dtype=dtype)
  def full(self, shape: List[int], value: float, dtype: int, device: str) -> Tensor:
    return torch.full(shape, value, dtype=dtype, device=torch.device(device))
  def dtype(self, x: Tensor) -> int:
    return ops.prim.dtype(x)
  def cuda_index(self, x: Tensor) -> int:
    if ops.prim.is_cuda(x):
      return torch.get_device(x)
    return -1
  def view(self, x: Tensor, shape: List[int]) -> Tensor:
    return torch.view(x, shape)
  def narrow(self, x: Tensor, dim: int, start: int, length: int) -> Tensor:
    return torch.narrow(x, dim, start, length)
  def transpose(self, x: Tensor, a: int, b: int) -> Tensor:
    return torch.transpose(x, a, b)
  def contiguous(self, x: Tensor) -> Tensor:
    return torch.contiguous(x)
  def detach(self, x: Tensor) -> Tensor:
    return torch.detach(x)
  def clone(self, x: Tensor) -> Tensor:
    return torch.clone(x)
  def to_dtype(self, x: Tensor, dtype: int) -> Tensor:
    return torch.to(x, dtype)
  def to_device(self, x: Tensor, device: str) -> Tensor:
    return torch.to(x, torch.device(device), ops.prim.dtype(x))
  def to_host(self, x: Tensor, dtype: int) -> Tensor:
    return torch.contiguous(torch.to(torch.detach(x), torch.device("cpu"), dtype))
  def index_select(self, x: Tensor, dim: int, index: Tensor) -> Tensor:
    return torch.index_select(x, dim, index)
  def cat(self, xs: List[Tensor], dim: int) -> Tensor:
    return torch.cat(xs, dim)
  def add(self, a: Tensor, b: Tensor) -> Tensor:
    return torch.add(a, b)
  def sub(self, a: Tensor, b: Tensor) -> Tensor:
    return torch.sub(a, b)
  def mul(self, a: Tensor, b: Tensor) -> Tensor:
    return torch.mul(a, b)
  def scale(self, a: Tensor, b: float) -> Tensor:
    return torch.mul(a, b)
  def sum(self, x: Tensor) -> Tensor:
    return torch.sum(x)
  def argmax(self, x: Tensor) -> Tensor:
    return torch.argmax(x, -1)
  def copy_(self, x: Tensor, source: Tensor) -> NoneType:
    torch.copy_(x, source)
    return None
  def add_(self, x: Tensor, other: Tensor) -> NoneType:
    torch.add_(x, other)
    return None
  def add_rows_(self, x: Tensor, index: Tensor, source: Tensor) -> NoneType:
    torch.index_add_(x, 0, index, torch.to(source, ops.prim.dtype(x)))
    return None
  def scale_(self, x: Tensor, factor: float) -> NoneType:
    torch.mul_(x, factor)
    return None
  def zero_(self, x: Tensor) -> NoneType:
    torch.zero_(x)
    return None
  def item(self, x: Tensor) -> float:
    return float(torch.item(torch.to(x, 7)))
  def is_plain_memory(self, x: Tensor) -> bool:
    return torch.is_contiguous(x) and not ops.prim.is_cuda(x)
  def random_normal(self, seed: int, std: float, shape: List[int]) -> Tensor:
    torch.manual_seed(seed)
    return torch.mul(torch.randn(shape, dtype=6), std)
