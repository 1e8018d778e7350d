package dev.aerie.target;

import dev.aerie.torch.Nn;
import dev.aerie.torch.Tensor;

/** A loaded {@link FeedForwardSpec.SwiGlu}. */
final class DenseFeedForward implements FeedForward {

    private final Linear gate;
    private final Linear up;
    private final Linear down;

    DenseFeedForward(FeedForwardSpec.SwiGlu spec, WeightLoader loader) {
        this.gate = loader.load(spec.gate());
        this.up = loader.load(spec.up());
        this.down = loader.load(spec.down());
    }

    @Override
    public Tensor of(Tensor x) {
        return Nn.swiGlu(x, gate.weight(), gate.bias(), up.weight(), up.bias(), down.weight(), down.bias());
    }
}
