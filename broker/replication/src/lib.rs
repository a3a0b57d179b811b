//! One partition replica as a pure core: leader epochs, high watermark, producer state.
