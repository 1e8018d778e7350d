package dev.aerie.target;

import dev.aerie.target.layer.DecoderLayer;
import dev.aerie.target.layer.WeightLoader;

/** The decoder layers of a target, wherever they are kept. */
sealed interface Layers extends AutoCloseable permits ResidentLayers, StreamedLayers {

    /** Makes a layer's engine of what a loader brings. May be called on another thread than the forward's. */
    interface Builder {
        DecoderLayer build(int layer, WeightLoader loader);
    }

    /** What is done with each layer. */
    interface Visitor {
        /** @param layer valid during this call alone */
        void visit(int index, DecoderLayer layer);
    }

    /** Hands over every layer once, first to last. */
    void forEach(Visitor visitor);

    @Override
    void close();
}
