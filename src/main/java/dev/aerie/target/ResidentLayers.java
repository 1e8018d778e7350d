package dev.aerie.target;

import dev.aerie.target.layer.DecoderLayer;
import dev.aerie.target.layer.WeightLoader;
import java.util.ArrayList;
import java.util.List;

/** Layers that all stay on the device, owned by the loader's scope. */
final class ResidentLayers implements Layers {

    private final List<DecoderLayer> layers = new ArrayList<>();

    ResidentLayers(int count, Builder builder, WeightLoader loader) {
        for (int i = 0; i < count; i++) {
            layers.add(builder.build(i, loader));
        }
    }

    @Override
    public void forEach(Visitor visitor) {
        for (int i = 0; i < layers.size(); i++) {
            visitor.visit(i, layers.get(i));
        }
    }

    @Override
    public void close() {}
}
