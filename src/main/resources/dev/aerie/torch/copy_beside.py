  def copy_beside(self, source: Tensor, target: Tensor) -> NoneType:
    # In a stream of its own, while kernels run in the default one. Only builds for CUDA know streams.
    stream = __torch__.torch.classes.cuda.Stream.__new__(__torch__.torch.classes.cuda.Stream)
    made = (stream).__init__(ops.prim.device(target), 0, )
    before = ops.cuda.current_stream(ops.prim.device(target))
    ops.cuda.set_stream(stream)
    torch.copy_(target, source, True)
    ops.cuda.set_stream(before)
    done = (stream).synchronize()
    return None
