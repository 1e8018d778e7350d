package dev.aerie.gang;

import java.io.Serializable;

/** Encodes the ranks' reports to the driver. It is itself serialized and sent to the executors. */
public interface ReportCodec<M> extends Serializable {

    byte[] encode(M report);

    /** @throws RuntimeException if the bytes are not a report; the driver then logs it and continues */
    M decode(byte[] bytes);
}
