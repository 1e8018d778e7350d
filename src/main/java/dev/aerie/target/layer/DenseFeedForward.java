package dev.aerie.target.layer;

import dev.aerie.target.spec.FeedForwardSpec;
import dev.aerie.torch.Nn;
import dev.aerie.torch.Tensor;

/** A loaded {@link FeedForwardSpec.SwiGlu}. */
public final class DenseFeedForward implements FeedForward {

    private final FeedForwardSpec.Activation activation;
    private final Linear gate;
    private final Linear up;
    private final Linear down;

    public DenseFeedForward(FeedForwardSpec.SwiGlu spec, WeightLoader loader) {
        this.activation = spec.activation();
        this.gate = loader.load(spec.gate());
        this.up = loader.load(spec.up());
        this.down = loader.load(spec.down());
    }

    @Override
    public Tensor of(Tensor x) {
        if (activation == FeedForwardSpec.Activation.GELU_TANH) {
            return down.of(Nn.geluTanhProduct(gate.of(x), up.of(x)));
        }
        return Nn.swiGlu(x, gate.weight(), gate.bias(), up.weight(), up.bias(), down.weight(), down.bias());
    }
}
