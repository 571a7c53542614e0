"""Motion and defocus deblurring of video by one differentiable energy, in JAX.

After Kim, Nah and Lee, "Dynamic Video Deblurring using a Locally Adaptive Linear Blur Model" (TPAMI 2017).
"""

import lazy_loader

# Each name is imported when it is first asked for: help and complaints need no JAX, arrays no video library.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
