package dev.aerie.target;

import dev.aerie.target.layer.DecoderLayer;
import dev.aerie.target.layer.WeightLoader;

/** The decoder layers of a target, resident or streamed. */
sealed interface Layers extends AutoCloseable permits ResidentLayers, StreamedLayers {

    /** Builds a layer from loaded weights. May be called on another thread than the forward's. */
    interface Builder {
        DecoderLayer build(int layer, WeightLoader loader);
    }

    /** Uses one layer. */
    interface Visitor {
        /** @param layer valid only during this call */
        void visit(int index, DecoderLayer layer);
    }

    /** Visits every layer once, first to last. */
    void forEach(Visitor visitor);

    @Override
    void close();
}
