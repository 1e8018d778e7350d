package dev.aerie.target.layer;

import dev.aerie.target.spec.ExpertsSpec;
import dev.aerie.target.spec.FeedForwardSpec;
import dev.aerie.target.spec.LinearSpec;
import dev.aerie.target.spec.RouterSpec;
import dev.aerie.target.spec.WeightSpec;
import dev.aerie.torch.DType;
import dev.aerie.torch.MixtureOfExperts;
import dev.aerie.torch.MixtureOfExperts.Routing;
import dev.aerie.torch.Nn;
import dev.aerie.torch.Tensor;
import java.util.List;
import java.util.function.Function;

/** A loaded {@link FeedForwardSpec.MixtureOfExperts}. */
public final class SparseFeedForward implements FeedForward {

    /** Computes the weighted sum over each token's experts. */
    private interface Experts {

        Tensor of(Tensor x, Routing routing, boolean weightedInput);
    }

    private final MixtureOfExperts.Rule rule;
    private final boolean weightedInput;
    private final Linear projection;
    private final Tensor correction;
    private final Experts experts;
    private final FeedForward shared;
    private final Linear sharedGate;

    public SparseFeedForward(FeedForwardSpec.MixtureOfExperts spec, WeightLoader loader) {
        this(spec, loader, !loader.device().isCpu());
    }

    /**
     * @param together whether experts that are stored separately are stacked, as a GPU's grouped product requires; on the CPU
     *     they stay mapped files
     */
    public SparseFeedForward(FeedForwardSpec.MixtureOfExperts spec, WeightLoader loader, boolean together) {
        RouterSpec router = spec.router();
        // Experts are chosen in float32, so stored biases keep their digits, and the forward pass converts nothing.
        WeightLoader exact = loader.as(DType.F32);
        this.rule = router.rule();
        this.weightedInput = router instanceof RouterSpec.SigmoidOfInput;
        this.projection = exact.load(router.projection());
        this.correction = router instanceof RouterSpec.Sigmoid sigmoid ? exact.load(sigmoid.correction()) : null;
        this.experts = experts(spec.experts(), loader, together);
        this.shared = spec.shared() == null ? null : new DenseFeedForward(spec.shared(), loader);
        this.sharedGate = spec.sharedGate() == null ? null : loader.load(spec.sharedGate());
    }

    private static Experts experts(ExpertsSpec spec, WeightLoader loader, boolean together) {
        if (spec instanceof ExpertsSpec.Separate separate && together) {
            Tensor gate = loader.loadStacked(each(separate, FeedForwardSpec.SwiGlu::gate));
            Tensor up = loader.loadStacked(each(separate, FeedForwardSpec.SwiGlu::up));
            Tensor down = loader.loadStacked(each(separate, FeedForwardSpec.SwiGlu::down));
            return (x, routing, weightedInput) -> MixtureOfExperts.together(x, routing, weightedInput, gate, up, down);
        }
        if (spec instanceof ExpertsSpec.Separate separate) {
            List<Tensor> gate = each(separate, FeedForwardSpec.SwiGlu::gate).stream().map(loader::load).toList();
            List<Tensor> up = each(separate, FeedForwardSpec.SwiGlu::up).stream().map(loader::load).toList();
            List<Tensor> down = each(separate, FeedForwardSpec.SwiGlu::down).stream().map(loader::load).toList();
            return (x, routing, weightedInput) -> MixtureOfExperts.separate(x, routing, weightedInput, gate, up, down);
        }
        if (spec instanceof ExpertsSpec.Stacked stacked) {
            Tensor gateUp = loader.load(stacked.gateUp());
            Tensor gateUpBias = loader.load(stacked.gateUpBias());
            Tensor down = loader.load(stacked.down());
            Tensor downBias = loader.load(stacked.downBias());
            return (x, routing, weightedInput) -> MixtureOfExperts.stacked(x, routing, weightedInput, gateUp, gateUpBias, down,
                    downBias, stacked.interleaved(), stacked.limit());
        }
        throw new IllegalStateException("No engine for " + spec);
    }

    private static List<WeightSpec> each(ExpertsSpec.Separate spec, Function<FeedForwardSpec.SwiGlu, LinearSpec> part) {
        return spec.experts().stream().map(e -> part.apply(e).weight()).toList();
    }

    @Override
    public Tensor of(Tensor x) {
        Routing routing = MixtureOfExperts.route(x, projection.weight(), projection.bias(), correction, rule);
        Tensor y = experts.of(x, routing, weightedInput);
        if (shared == null) {
            return y;
        }
        Tensor common = shared.of(x);
        return y.add_(sharedGate == null ? common : Nn.sigmoidGate(common, sharedGate.of(x)));
    }
}
