// The parts of Boost.Asio and Boost.Beast that are no templates: compiled here, once, rather than in every file that
// includes them (BOOST_ASIO_SEPARATE_COMPILATION, BOOST_BEAST_SEPARATE_COMPILATION).
#include <boost/asio/impl/src.hpp>
#include <boost/beast/src.hpp>
