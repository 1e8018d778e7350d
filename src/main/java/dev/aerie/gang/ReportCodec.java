package dev.aerie.gang;

import java.io.Serializable;

/** How the reports of a gang's ranks travel to the driver. It is sent to the executors itself. */
public interface ReportCodec<M> extends Serializable {

    byte[] encode(M report);

    /** @throws RuntimeException if the bytes are no report; the driver then logs it and goes on */
    M decode(byte[] bytes);
}
