package dev.aerie.gang;

import java.io.Serializable;

/**
 * What each rank does. It is sent to the executors, so what it holds is serializable. A later attempt runs it again from the
 * start: a body that can resume finds for itself where.
 *
 * <p>A {@link dev.aerie.errors.RefusalException} is not retried, unless an I/O error is behind it; anything else is.
 *
 * @param <M> what the ranks report to the driver
 */
@FunctionalInterface
public interface RankBody<M, R extends Serializable> extends Serializable {

    R run(RankContext<M> context) throws Exception;
}
